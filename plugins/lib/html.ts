/** HTML of the admin server's pages: plain, without scripts or anything from elsewhere. */

/** The style of every page; the server lets pages load nothing else. */
export const pageStyle = `:root{color-scheme:light dark}
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .5rem}h3{font-size:1rem;margin:1.2rem 0 .4rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.25rem .8rem .25rem 0}
th{font-weight:600;opacity:.75}tr+tr td{border-top:1px solid #8884}td.n{text-align:right;font-variant-numeric:tabular-nums}
code,pre{font:13px/1.45 ui-monospace,monospace}pre{overflow-x:auto;background:#8881;padding:.6rem .8rem;border-radius:4px;margin:0}
.ok{color:#18794e}.bad{color:#c62a2f}.muted{opacity:.7}
@media(prefers-color-scheme:dark){.ok{color:#4cc38a}.bad{color:#ff8589}}`;

/** A whole document. */
export const html = (title: string, body: string): string =>
  `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
  `<title>${escapeHtml(title)}</title><style>${pageStyle}</style></head><body>\n${body}</body></html>\n`;

/** Text as it may stand in HTML, attributes included. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
