-- For wrk: purchases over an API, 80% of them by 1,000 customers who are known, the rest by somebody new.
-- It is told a name for the run, and "keys" when each purchase has an Idempotency-Key of its own.
local number, thread = 0, 0

function setup(of_wrk)
  of_wrk:set("thread", thread)
  thread = thread + 1
end

function init(arguments)
  run, has_keys = arguments[1], arguments[2] == "keys"
  math.randomseed(os.time() + thread)
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Authorization"] = "Bearer " .. os.getenv("BENCH_TOKEN")
end

function request()
  number = number + 1
  local name = "Regular " .. math.random(1000)
  if number % 5 == 0 then
    name = "Somebody " .. run .. "-" .. thread .. "-" .. number
  end
  if has_keys then
    wrk.headers["Idempotency-Key"] = uuid()
  end
  return wrk.format(nil, nil, nil, '{"customer": {"name": "' .. name .. '"}, "item": "a book", "quantity": 2}')
end

function uuid()
  local two, three = math.random(0, 0xffff), math.random(0, 0xffffff)
  return string.format("%08x-%04x-4%03x-8%03x-%06x%06x", math.random(0, 0x7fffffff), two, two % 4096, three % 4096,
    three, math.random(0, 0xffffff))
end
