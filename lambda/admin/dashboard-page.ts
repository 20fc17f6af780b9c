import { type Html, html } from './html.ts';

const REFRESH_SECONDS = 5;

const PAGE_STYLE: Html = html`
:root{color-scheme:light dark}
body{margin:0 auto;max-width:1200px;padding:20px 16px;font:14px/1.45 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;background:#fff;color:#16191f}
h1{font-size:18px;margin:0 0 14px}
code{font-size:13px}
@media (prefers-color-scheme:dark){body{background:#0f1620;color:#e9ebed}}
`;

/** The widget as a page of its own, which loads itself again every five seconds. */
export function dashboardPage(widget: Html): string {
  return page(html`<meta http-equiv="refresh" content="${REFRESH_SECONDS}">`, widget);
}

/** What somebody sees who is not logged in. */
export function loginPage(): string {
  return page(
    html``,
    html`<p>This page opens by the one-time link that <code>npm start</code> printed:
<code>http://…/dashboard?token=…</code>. If it was used already, start the gateway again for a new one.</p>`,
  );
}

function page(head: Html, content: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sluice</title>
<link rel="icon" href="data:,">
${head}
<style>${PAGE_STYLE}</style>
</head>
<body>
<h1>Sluice</h1>
${content}
</body>
</html>
`.html;
}
