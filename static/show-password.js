// A button beside each password that shows what was typed. Without this script the field stays as it is.
for (const input of document.querySelectorAll("input[type=password]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-quiet show-password";
  button.textContent = "Show";
  button.setAttribute("aria-controls", input.id);
  button.setAttribute("aria-label", `Show ${input.labels[0].textContent.trim().toLowerCase()}`);
  button.addEventListener("click", () => {
    const isShown = input.type === "text";
    input.type = isShown ? "password" : "text";
    button.textContent = isShown ? "Show" : "Hide";
    button.setAttribute("aria-label", `${button.textContent} ${input.labels[0].textContent.trim().toLowerCase()}`);
  });
  // Sent as a password, so that no browser keeps it among the texts it offers again.
  input.form.addEventListener("submit", () => {
    input.type = "password";
  });
  input.after(button);
}
