// Suggestions for a field, as the ARIA Authoring Practices describe a list combobox with manual selection:
// what is typed stays unless one of them is chosen.
const PAUSE_MS = 150;

function combobox(input) {
  const list = document.createElement("ul");
  list.id = `${input.id}-suggestions`;
  list.className = "suggestions";
  list.role = "listbox";
  list.ariaLabel = "Customers";
  list.hidden = true;
  input.role = "combobox";
  input.ariaAutoComplete = "list";
  input.ariaExpanded = "false";
  input.setAttribute("aria-controls", list.id);
  input.after(list);

  let waiting;
  let asking;
  let active = -1;

  function close() {
    clearTimeout(waiting);
    asking?.abort();
    list.hidden = true;
    input.ariaExpanded = "false";
    point(-1);
  }

  function point(place) {
    list.children[active]?.setAttribute("aria-selected", "false");
    active = place;
    const option = list.children[active];
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) input.setAttribute("aria-activedescendant", option.id);
    else input.removeAttribute("aria-activedescendant");
  }

  async function suggest() {
    asking?.abort();
    asking = new AbortController();
    const typed = input.value.trim();
    if (!typed) return close();
    try {
      const address = `${input.dataset.suggest}?${new URLSearchParams({ q: typed })}`;
      const answer = await fetch(address, { signal: asking.signal });
      if (answer.ok) show((await answer.json()).customers);
    } catch {
      // Overtaken by the next key, or the network is away: a plain field is left.
    }
  }

  function show(customers) {
    list.replaceChildren(...customers.map(option));
    point(-1);
    list.hidden = !customers.length;
    input.ariaExpanded = String(!list.hidden);
  }

  function option(customer, place) {
    const element = document.createElement("li");
    element.id = `${list.id}-${place}`;
    element.role = "option";
    element.ariaSelected = "false";
    const name = Object.assign(document.createElement("bdi"), { textContent: customer.name });
    const detail = document.createElement("span");
    detail.className = "detail";
    detail.textContent = [customer.contact, customer.detail].filter(Boolean).join("; ");
    element.append(name, " ", detail);
    // The press, not the click: the field must not lose the focus in between.
    element.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      choose(customer);
    });
    element.customer = customer;
    return element;
  }

  function choose(customer) {
    input.value = customer.name;
    input.form.elements.namedItem("picked").value = customer.id;
    input.form.elements.namedItem("picked_as").value = customer.name;
    close();
    input.dispatchEvent(new CustomEvent("picked", { bubbles: true }));
  }

  input.addEventListener("input", () => {
    input.form.elements.namedItem("picked").value = "";
    clearTimeout(waiting);
    waiting = setTimeout(suggest, PAUSE_MS);
  });
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const count = list.hidden ? 0 : list.children.length;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!count) return suggest();
      const step = event.key === "ArrowDown" ? 1 : -1;
      return point(active < 0 && step < 0 ? count - 1 : (active + step + count) % count);
    }
    if (event.key === "Escape") {
      if (count) event.preventDefault();
      close();
    }
    if (event.key === "Enter" && count && active >= 0) {
      event.preventDefault();
      choose(list.children[active].customer);
    }
    if (event.key === "Tab") close();
  });
}

document.querySelectorAll("[data-suggest]").forEach(combobox);
