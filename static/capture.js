// What the sentence means and who will be written, while it is typed; the server says it, this only asks.
const form = document.getElementById("capture");
const PAUSE_MS = 250;
const field = (name) => form.elements.namedItem(name);
const FILLED = ["customer", "item", "amount", "quantity", "purchased_on", "email", "phone", "reference"];
const ABOUT_THE_CUSTOMER = ["customer", "email", "phone", "reference"];

let waiting;
let asking;

async function lookOver(isSentence) {
  asking?.abort();
  asking = new AbortController();
  const asked = new FormData(form);
  try {
    const answer = await fetch(form.dataset.preview, {
      method: "POST",
      body: new URLSearchParams(asked),
      signal: asking.signal,
    });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const shown = page.getElementById("capture");
    // Signed out, or busy: Record will tell. What was typed since is asked about next.
    if (shown && asked.get("sentence") === field("sentence").value) show(shown, isSentence ? asked : null);
  } catch {
    // The network is away: the help is, too, and Record still tells.
  }
}

function show(shown, asked) {
  const isRead = shown.elements.namedItem("read").value === field("sentence").value;
  if (asked && isRead) {
    for (const name of FILLED.filter((name) => field(name).value === asked.get(name))) {
      field(name).value = shown.elements.namedItem(name).value;
    }
    field("read").value = field("sentence").value;
    field("picked").value = "";
    takeErrorAway();
  }
  form.querySelector("#foreseen").replaceChildren(...shown.querySelector("#foreseen").children);
  form.querySelector("#reading").replaceChildren(...(asked ? reading(shown) : []));
}

function takeErrorAway() {
  form.querySelector("#sentence-error")?.remove();
  field("sentence").removeAttribute("aria-invalid");
  field("sentence").setAttribute("aria-describedby", "sentence-hint");
  if (form.querySelector(".error")) return;
  document.querySelector(".error-summary")?.remove();
  document.title = document.title.replace(/^Error: /, "");
}

function reading(shown) {
  const why = shown.querySelector("#sentence-error");
  const told = why ? [Object.assign(document.createElement("p"), { className: "hint", textContent: why.lastChild.textContent.trim() })] : [];
  return [...told, ...shown.querySelector("#reading").children];
}

form.addEventListener("input", ({ target }) => {
  const isSentence = target.name === "sentence";
  if (!isSentence && !ABOUT_THE_CUSTOMER.includes(target.name)) return;
  clearTimeout(waiting);
  waiting = setTimeout(lookOver, PAUSE_MS, isSentence);
});

form.addEventListener("picked", () => {
  clearTimeout(waiting);
  lookOver(false);
});

// One submit at a time; where it came to nothing, another one may follow.
const BUSY_MS = 3000;
let isSent = false;
form.addEventListener("submit", (event) => {
  if (isSent) event.preventDefault();
  isSent = true;
  setTimeout(() => {
    isSent = false;
  }, BUSY_MS);
  clearTimeout(waiting);
  asking?.abort();
});
window.addEventListener("pageshow", () => {
  isSent = false;
});
