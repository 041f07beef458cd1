// How it looks. Every colour and size a site may want to change is a variable on `parley-chat`; the rest is by `::part`.
export const css = `
:host{
--c:var(--parley-color,#3454d1);--ink-c:var(--parley-on-color,#fff);
--bg:var(--parley-background,#fff);--fg:var(--parley-text,#1c2230);--soft:var(--parley-soft,#f2f4f8);--line:var(--parley-line,#dfe3ec);
--dim:var(--parley-dim,#596275);--warn:var(--parley-warn,#b3261e);--warn-bg:#fdf0ee;--wait-bg:#fff7e0;--link:var(--parley-link,var(--c));
--r:var(--parley-radius,16px);display:contents;color-scheme:light}
@media(prefers-color-scheme:dark){:host(:not([theme=light])){${dark()}}}
:host([theme=dark]){${dark()}}
*,*::before,*::after{box-sizing:border-box}
[hidden]{display:none!important}
.root{position:fixed;inset-block-end:max(20px,env(safe-area-inset-bottom));inset-inline-end:20px;z-index:var(--parley-z,2147483000);
font:var(--parley-font,15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif);color:var(--fg);text-align:start}
:host([side=start]) .root{inset-inline:20px auto}
button{font:inherit;color:inherit;background:none;border:0;padding:0;cursor:pointer}
button:disabled{cursor:default}
:focus-visible{outline:2px solid var(--c);outline-offset:2px}
svg{width:24px;height:24px;fill:none;stroke:currentColor;stroke-width:1.8;stroke-linecap:round;stroke-linejoin:round;display:block}
.sr{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.launcher{position:relative;display:grid;place-items:center;width:56px;height:56px;border-radius:50%;background:var(--c);color:var(--ink-c);
box-shadow:0 6px 20px #0d152b33;transition:transform .15s}
.launcher:hover{transform:scale(1.05)}
.launcher:focus-visible{outline-offset:3px}
.badge{position:absolute;inset-block-start:-4px;inset-inline-end:-4px;min-width:22px;height:22px;padding:0 6px;border-radius:11px;
background:var(--warn);color:#fff;font-size:12px;font-weight:600;line-height:22px;text-align:center}
.panel{position:absolute;inset-block-end:72px;inset-inline-end:0;display:flex;flex-direction:column;overflow:hidden;
width:min(var(--parley-width,400px),calc(100vw - 40px));height:min(var(--parley-height,640px),calc(100dvh - 120px));
background:var(--bg);border:1px solid var(--line);border-radius:var(--r);box-shadow:0 18px 50px #0d152b2e;animation:rise .18s ease-out}
:host([side=start]) .panel{inset-inline:0 auto}
@keyframes rise{from{opacity:0;transform:translateY(10px)}}
header{display:flex;align-items:center;gap:8px;padding:14px 12px 14px 18px;padding-inline:18px 10px;border-block-end:1px solid var(--line)}
.title{flex:1;margin:0;font-size:16px;font-weight:650;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.icon{display:grid;place-items:center;width:36px;height:36px;border-radius:10px;color:var(--dim)}
.icon:hover{background:var(--soft);color:var(--fg)}
.icon svg{width:20px;height:20px}
.banner{display:flex;gap:10px;align-items:center;justify-content:space-between;padding:9px 18px;font-size:13.5px;background:var(--wait-bg);border-block-end:1px solid var(--line)}
.banner[data-kind=stop]{background:var(--warn-bg)}
.banner button,.foot button,.older,.code button{color:var(--link);font-weight:600;text-decoration:underline;text-underline-offset:2px;min-height:24px}
.stage{position:relative;flex:1;min-height:0;display:flex}
.log{flex:1;overflow-y:auto;overscroll-behavior:contain;padding:18px;display:flex;flex-direction:column;gap:12px;scrollbar-width:thin}
.log:focus-visible{outline-offset:-2px}
.log>:first-child{margin-block-start:auto}
.older{align-self:center;font-size:13.5px}
.to-end{position:absolute;inset-block-end:10px;inset-inline:0;margin-inline:auto;width:max-content;padding:5px 14px;border-radius:99px;font-size:13px;
background:var(--bg);border:1px solid var(--line);box-shadow:0 4px 14px #0d152b24}
.greeting{color:var(--dim);padding-block-end:4px}
.msg{max-width:100%;display:flex;flex-direction:column;align-items:flex-start}
.msg[data-from=me]{align-items:flex-end}
.name{font-size:12.5px;color:var(--dim);margin:0 4px 3px}
.body{max-width:100%;overflow-wrap:anywhere;min-width:0}
.msg:not([data-from=assistant]) .body{white-space:pre-wrap;padding:9px 14px;border-radius:var(--r);background:var(--soft);max-width:86%}
.msg[data-from=human] .body{white-space:normal}
.msg[data-from=me] .body{background:var(--c);color:var(--ink-c);border-end-end-radius:5px}
.msg[data-from=user] .body,.msg[data-from=human] .body{border-end-start-radius:5px}
.msg[data-from=assistant] .body{width:100%}
.msg[data-from=system]{align-items:center}
.msg[data-from=system] .body{background:none;color:var(--dim);font-size:13px;text-align:center;padding:0}
.msg[data-state=waiting] .body,.msg[data-state=sending] .body{opacity:.72}
.msg[data-state=failed][data-from=me] .body{background:var(--warn-bg);color:var(--fg);box-shadow:inset 0 0 0 1px var(--warn)}
.foot{font-size:12.5px;color:var(--dim);margin:3px 4px 0;display:flex;gap:10px;flex-wrap:wrap;align-items:center}
.foot:empty{display:none}
.msg[data-state=failed] .foot{color:var(--warn)}
.dots{display:inline-flex;gap:5px;padding:9px 0}
.dots i{width:7px;height:7px;border-radius:50%;background:var(--dim);animation:beat 1.2s infinite}
.dots i:nth-child(2){animation-delay:.15s}.dots i:nth-child(3){animation-delay:.3s}
@keyframes beat{0%,60%,100%{opacity:.25}30%{opacity:1}}
.typing{padding-inline:18px;font-size:12.5px;color:var(--dim)}
.typing:not(:empty){padding-block-end:6px}
.composer{padding:10px 12px 12px;border-block-start:1px solid var(--line)}
.row{display:flex;align-items:flex-end;gap:6px;padding:5px;padding-inline-start:14px;border:1px solid var(--field,#8a93a6);border-radius:var(--r);background:var(--bg)}
.row:focus-within{border-color:var(--c);box-shadow:0 0 0 1px var(--c)}
textarea,textarea:focus-visible{flex:1;min-width:0;resize:none;border:0;outline:0;padding:6px 0;margin:0;max-height:160px;font:inherit;color:inherit;background:none}
textarea::placeholder{color:var(--dim);opacity:1}
.send,.stop{display:grid;place-items:center;width:36px;height:36px;border-radius:11px;flex:none}
.send{background:var(--c);color:var(--ink-c)}
.send:disabled{background:var(--soft);color:var(--dim)}
.stop{border:1px solid var(--line)}
.send svg,.stop svg{width:20px;height:20px}
[dir=rtl] .send svg{transform:scaleX(-1)}
.stop svg,.send svg{fill:currentColor;stroke-width:0}
.count{font-size:12.5px;color:var(--dim);text-align:end;padding:0 6px}
.count:not(:empty){padding-block-end:5px}
.count.over{color:var(--warn)}
.body :is(p,ul,ol,pre,blockquote,h3,h4,h5,h6,hr,.code,.scroll){margin:0}
.body>*+*{margin-block-start:10px!important}
.body :is(h3,h4,h5,h6){font-size:1.02em;font-weight:650;line-height:1.35}
.body h3{font-size:1.12em}
.body :is(ul,ol){padding-inline-start:1.5em}
.body li+li,.body li>*+*{margin-block-start:4px}
.body li.task{list-style:none;margin-inline-start:-1.3em}
.body li.task>p{display:inline}
.box{margin-inline-end:.4em}
.body blockquote{border-inline-start:3px solid var(--line);padding-inline-start:12px;color:var(--dim)}
.body hr{border:0;border-block-start:1px solid var(--line)}
.body a{color:var(--link);text-underline-offset:2px}
.msg[data-from=me] .body a{color:inherit}
.host{color:var(--dim);font-size:.86em}
code{font:.88em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
:not(pre)>code{background:var(--soft);padding:.12em .35em;border-radius:5px}
.code{border:1px solid var(--line);border-radius:10px;overflow:hidden;background:var(--soft)}
.bar{display:flex;justify-content:space-between;align-items:center;gap:8px;padding:3px 12px;font-size:12px;color:var(--dim);border-block-end:1px solid var(--line)}
pre{overflow-x:auto;padding:10px 12px;text-align:start}
pre:focus-visible,.scroll:focus-visible{outline-offset:-2px}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:10px}
table{border-collapse:collapse;width:100%;font-size:.93em}
th,td{padding:6px 11px;text-align:start;border-block-end:1px solid var(--line);min-width:5em}
tr:last-child td{border-block-end:0}
th{background:var(--soft);font-weight:600}
.center{text-align:center}.end{text-align:end}.start{text-align:start}
@media(max-width:480px){
.root[data-open]{inset:0}
.root[data-open] .panel{inset:0;width:auto;height:100dvh;border:0;border-radius:0}
.root[data-open] .launcher{display:none}
textarea{font-size:16px}
}
@media(prefers-reduced-motion:reduce){*,*::before{animation:none!important;transition:none!important}.dots i{opacity:.6}}
@media(forced-colors:active){.launcher,.send,.panel,.msg .body{border:1px solid}}
`;

function dark(): string {
  return `--c:var(--parley-color,#7d96ff);--ink-c:var(--parley-on-color,#0d1330);--bg:var(--parley-background,#161a23);--fg:var(--parley-text,#e8ebf2);
--soft:var(--parley-soft,#232937);--line:var(--parley-line,#333b4d);--dim:var(--parley-dim,#a3adc2);--warn:var(--parley-warn,#ff9d94);
--warn-bg:#3a2022;--wait-bg:#3a321b;--field:#7b869c;color-scheme:dark;`;
}
