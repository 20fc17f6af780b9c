import { type Html, html } from './html.ts';

const LIGHT =
  '--text:#16191f;--muted:#5f6b7a;--line:#d9dee5;--card:#fafbfc;--track:#e6eaf0;--ok:#1d8102;--warned:#b45309;--exhausted:#c7162b;--tick:#16191f';
const DARK =
  '--text:#e9ebed;--muted:#a3adb9;--line:#3a4656;--card:#1b2430;--track:#37424f;--ok:#4fb33c;--warned:#f0a03c;--exhausted:#ff6b6b;--tick:#fff';

/**
 * The widget's style sheet. Every rule is bound to the widget's own classes, as the dashboard around it has styles too.
 * Columns wrap by the room there is, which in CloudWatch is the widget's, not the window's.
 */
export const WIDGET_STYLE: Html = html`
.sluice-widget{${LIGHT};color:var(--text);font:14px/1.45 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;font-variant-numeric:tabular-nums}
.sluice-dark{${DARK}}
@media (prefers-color-scheme:dark){.sluice-auto{${DARK}}}
.sluice-widget h2{font-size:13px;font-weight:600;letter-spacing:.04em;text-transform:uppercase;color:var(--muted);margin:18px 0 8px;padding:0}
.sluice-widget p{margin:6px 0}
.sluice-summary{display:flex;flex-wrap:wrap;gap:10px 32px}
.sluice-value{font-size:24px;font-weight:600;line-height:1.2}
.sluice-muted{color:var(--muted);font-size:12px}
.sluice-cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,340px),1fr));align-items:start;gap:12px}
.sluice-card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:10px 12px;min-width:0}
.sluice-budget{margin-top:8px}
.sluice-increase{margin-top:6px;overflow-wrap:anywhere}
.sluice-line{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 12px;overflow-wrap:anywhere}
.sluice-bar{position:relative;height:12px;margin:4px 0;border-radius:6px;background:var(--track);overflow:hidden}
.sluice-bar i{position:absolute;top:0;bottom:0;display:block}
.sluice-spent{left:0;background:currentColor}
.sluice-reserved{background:repeating-linear-gradient(135deg,currentColor 0 3px,transparent 3px 6px);opacity:.75}
.sluice-bar .sluice-tick{width:2px;margin-left:-1px;background:var(--tick);opacity:.55}
.sluice-small{display:inline-block;width:64px;height:8px;margin:0 6px 0 0;vertical-align:middle}
.sluice-ok{color:var(--ok)}
.sluice-warned{color:var(--warned)}
.sluice-exhausted{color:var(--exhausted)}
.sluice-state{margin-left:auto;font-size:12px;font-weight:600;white-space:nowrap}
.sluice-scroll{overflow-x:auto}
.sluice-widget table{border-collapse:collapse;width:100%;background:transparent}
.sluice-widget th,.sluice-widget td{text-align:left;padding:6px 16px 6px 0;border-bottom:1px solid var(--line);white-space:nowrap;color:var(--text);background:transparent;font-size:13px}
.sluice-widget th{color:var(--muted);font-weight:600;font-size:12px}
.sluice-widget td.sluice-ok{color:var(--ok)}
.sluice-widget td.sluice-warned{color:var(--warned)}
.sluice-widget td.sluice-exhausted{color:var(--exhausted)}
`;
