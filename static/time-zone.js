// The browser knows its time zone better than its language does.
const select = document.getElementById("time_zone");
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const isUntouched = !document.querySelector(".error-summary");
if (isUntouched && Array.from(select.options).some((option) => option.value === zone)) {
  select.value = zone;
}
