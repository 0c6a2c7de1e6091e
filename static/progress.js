// Shows how far an import is, without fetching the page again. Without this script the page fetches itself.
const sheet = document.querySelector("[data-progress]");
const bar = document.getElementById("progress");
const rows = document.getElementById("rows");
const number = new Intl.NumberFormat("en");

async function look() {
  try {
    const answer = await fetch(sheet.dataset.progress, { headers: { Accept: "application/json" } });
    const isRefused = answer.status >= 400 && answer.status < 500;
    // Signed out, or gone: the page itself says so.
    if (answer.redirected || isRefused) {
      window.location.reload();
      return;
    }
    const told = await answer.json();
    if (!told.is_busy || told.has_broken_off) {
      window.location.reload();
      return;
    }
    if (told.rows_total) {
      bar.max = told.rows_total;
      bar.value = told.rows_done;
      rows.textContent = `${number.format(told.rows_done)} of ${number.format(told.rows_total)} rows`;
    }
  } catch {
    // The server may be busy: the next look will tell.
  }
  setTimeout(look, 500);
}

look();
