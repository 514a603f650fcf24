// Buttons that copy what is to be sent. Without this file the link itself can be selected and copied.
for (const button of document.querySelectorAll("[data-copy]")) {
  const label = button.textContent;
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    const done = await navigator.clipboard.writeText(button.dataset.copy).then(() => true, () => false);
    button.textContent = done ? button.dataset.done : "Not allowed here: select the link";
    setTimeout(() => { button.textContent = label; }, 4000);
  });
}
