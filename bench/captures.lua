-- For wrk: purchases over the API, 80% of them by 1,000 customers who are known, the rest by somebody new.
local number, thread = 0, 0

function setup(of_wrk)
  of_wrk:set("thread", thread)
  thread = thread + 1
end

function init(arguments)
  run = arguments[1]
  math.randomseed(os.time() + thread)
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Authorization"] = "Bearer " .. os.getenv("TILLBOOK_TOKEN")
end

function request()
  number = number + 1
  local name = "Regular " .. math.random(1000)
  if number % 5 == 0 then
    name = "Somebody " .. run .. "-" .. thread .. "-" .. number
  end
  return wrk.format(nil, nil, nil, '{"customer": {"name": "' .. name .. '"}, "item": "a book", "quantity": 2}')
end
