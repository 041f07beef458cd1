// How it looks. Every colour and size a site may want to change is a variable on `parley-chat`; the rest is by `::part`.

export const css = `
:host{display:contents;color-scheme:light dark;--r:var(--parley-radius,16px);
--c:var(--parley-color,light-dark(#3454d1,#8ea4ff));--bg:var(--parley-background,light-dark(#fff,#161a23));
--fg:var(--parley-text,light-dark(#1c2230,#e8ebf2));
--soft:var(--parley-soft,light-dark(#f2f4f8,#232937));--line:var(--parley-line,light-dark(#dfe3ec,#333b4d));
--dim:var(--parley-dim,light-dark(#566074,#a7b0c4));
--warn:var(--parley-warn,light-dark(#b3261e,#ff9d94));
--alert:light-dark(#fdf0ee,#3a2022);
--wait:light-dark(#fff6dc,#3a321b);--field:light-dark(#8a93a6,#7b869c)}
:host([theme=dark]){color-scheme:dark}
:host([theme=light]){color-scheme:light}
*{box-sizing:border-box}
[hidden]{display:none!important}
.root{position:fixed;inset-block-end:20px;inset-inline-end:20px;z-index:var(--parley-z,2147483000);
font:var(--parley-font,15px/1.5 system-ui,sans-serif);color:var(--fg);text-align:start}
button,input{font:inherit;color:inherit;background:none;border:0;padding:0;margin:0}
button{cursor:pointer}
button:disabled{cursor:default}
:focus-visible{outline:2px solid var(--c);outline-offset:2px}
:is(.log,pre,.scroll):focus-visible{outline-offset:-2px}
svg{width:20px;height:20px;fill:none;stroke:currentColor;stroke-width:1.8;stroke-linecap:round;stroke-linejoin:round;display:block}
h2,h3,h4,h5,h6,p,ul,ol,pre,blockquote,hr{margin:0;font-size:inherit}
.sr{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.launcher,.send,.msg[data-from=me] .body{background:var(--c);color:#fff;color:var(--parley-on-color,oklch(from var(--c) calc((.66 - l)*999) 0 0))}
.launcher{position:relative;display:grid;place-items:center;width:56px;height:56px;border-radius:50%;box-shadow:0 6px 20px #0d152b3d;transition:transform .15s}
.launcher:hover{transform:scale(1.05)}
.launcher svg{width:25px;height:25px}
.badge{position:absolute;inset-block-start:-3px;inset-inline-end:-3px;min-width:22px;padding:0 6px;border-radius:11px;background:#b3261e;color:#fff;font-size:12px;font-weight:600;line-height:22px}
.panel{position:absolute;inset-block-end:72px;inset-inline-end:0;display:flex;flex-direction:column;overflow:hidden;
width:min(var(--parley-width,400px),100vw - 40px);height:min(var(--parley-height,640px),100dvh - 120px);
background:var(--bg);border:1px solid var(--line);border-radius:var(--r);box-shadow:0 18px 50px #0d152b33;animation:rise .18s ease-out}
@keyframes rise{from{opacity:0;transform:translateY(10px)}}
header{display:flex;align-items:center;padding:12px;padding-inline-start:18px;border-block-end:1px solid var(--line)}
header div{flex:1;min-width:0}
header h2,header p{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
h2{font-size:16px;font-weight:650}
header p,small,.line,.name,.foot,.host,.count,.bar,.msg[data-from=system],.greeting,h3,blockquote{color:var(--dim)}
header p,small,.line,.name,.foot,.count,.bar{font-size:12.5px}
.icon{display:grid;place-items:center;width:36px;height:36px;border-radius:10px;color:var(--dim);flex:none}
:is(.icon,.vote,.drawer li button):hover,.icon[aria-pressed=true]{background:var(--soft);color:var(--fg)}
.banner{display:flex;gap:10px;align-items:center;justify-content:space-between;padding:9px 18px;font-size:13.5px;background:var(--wait);border-block-end:1px solid var(--line)}
.banner[role=alert]{background:var(--alert)}
.banner button,.foot button:not(.vote),.older,.bar button,.body a,.danger{color:var(--parley-link,var(--c));font-weight:600;text-decoration:underline;text-underline-offset:2px;min-height:24px}
.banner button{color:inherit}
.stage{position:relative;flex:1;min-height:0;display:flex}
.log,.drawer{flex:1;overflow-y:auto;overscroll-behavior:contain;padding:18px;display:flex;flex-direction:column;gap:12px;scrollbar-width:thin}
.log>:first-child{margin-block-start:auto}
.older{align-self:center;font-size:13.5px}
.to-end{position:absolute;inset-block-end:10px;inset-inline:0;margin-inline:auto;padding:7px;border-radius:50%;background:var(--bg);border:1px solid var(--line);box-shadow:0 4px 14px #0d152b2b;width:max-content}
.msg{display:flex;flex-direction:column;align-items:flex-start}
.msg[data-from=me]{align-items:flex-end}
.name{margin:0 4px 3px}
.body{overflow-wrap:anywhere;min-width:0;max-width:100%}
.msg:not([data-from=assistant]) .body{padding:9px 14px;border-radius:var(--r);background:var(--soft);max-width:86%}
:is([data-from=me],[data-from=user],[data-from=system]) .body{white-space:pre-wrap}
.msg[data-from=me] .body{background:var(--c);border-end-end-radius:5px}
:is([data-from=user],[data-from=human]) .body{border-end-start-radius:5px}
.msg[data-from=human] .body{box-shadow:inset 0 0 0 1px var(--c)}
.msg[data-from=assistant] .body{width:100%}
.msg[data-from=system]{align-items:center;font-size:13px;text-align:center}
.msg[data-from=system] .body{background:none;padding:0}
.msg[data-from=me]:is([data-state=waiting],[data-state=sending]) .body{background:var(--soft);color:var(--fg)}
.msg[data-from=me][data-state=failed] .body{background:var(--alert);color:var(--fg);box-shadow:inset 0 0 0 1px var(--warn)}
.foot{margin:3px 4px 0;display:flex;gap:4px 10px;flex-wrap:wrap;align-items:center}
.foot:empty{display:none}
[data-state=failed] .foot,.count.over,.danger{color:var(--warn)}
.vote{padding:4px;border-radius:8px;margin-inline-start:-4px}
.vote svg{width:16px;height:16px}
.vote[aria-pressed=true]{color:var(--c)}
.vote[aria-pressed=true] path{fill:currentColor}
.dots{display:inline-flex;gap:5px;padding:9px 0}
.dots i{width:7px;height:7px;border-radius:50%;background:var(--dim);animation:beat 1.2s infinite}
.dots i+i{animation-delay:.15s}.dots i+i+i{animation-delay:.3s}
@keyframes beat{0%,60%,100%{opacity:.25}30%{opacity:1}}
.line{padding:0 18px 6px}.line:empty{display:none}
.greeting,.starters button{unicode-bidi:plaintext}
.starters{display:flex;flex-wrap:wrap;gap:8px;padding:0 18px 12px}.starters:empty{display:none}
.starters button{border:1px solid var(--line);border-radius:99px;padding:5px 14px;text-align:start}
.starters button:hover{background:var(--soft)}
.composer{padding:10px 12px 12px;border-block-start:1px solid var(--line)}
.row{display:flex;align-items:flex-end;gap:6px;padding:5px;padding-inline-start:14px;border:1px solid var(--field);border-radius:var(--r)}
.row:focus-within{border-color:var(--c);box-shadow:0 0 0 1px var(--c)}
textarea,textarea:focus-visible{flex:1;min-width:0;resize:none;border:0;outline:0;padding:6px 0;margin:0;max-height:160px;font:inherit;color:inherit;background:none;unicode-bidi:plaintext}
textarea::placeholder{color:var(--dim);opacity:1}
.send,.stop{display:grid;place-items:center;width:36px;height:36px;border-radius:11px;flex:none}
.send:disabled{background:var(--soft);color:var(--dim)}
.stop{border:1px solid var(--line)}
[dir=rtl] .send svg{transform:scaleX(-1)}
:is(.stop,.send) path{fill:currentColor;stroke:none}
.files{display:flex;flex-wrap:wrap;gap:6px}.files button{padding:2px 10px;margin-block-end:6px;border-radius:9px;background:var(--soft);font-size:13px}
.count{text-align:end;padding:0 6px 5px}.count:empty{display:none}
.drawer ul{list-style:none;padding:0}
.drawer h3,.danger{margin-block-start:10px}
.drawer li{display:flex;align-items:center}
.drawer li button:not(.icon){flex:1;text-align:start;padding:8px 12px;border-radius:10px;display:flex;justify-content:space-between;gap:10px}
.drawer [aria-current]{background:var(--soft)}
.drawer input{flex:1;min-width:0;padding:6px 12px;border-radius:10px}
.danger{align-self:flex-start}
.body>*+*{margin-block-start:10px}
:is(h3,h4,h5,h6){font-weight:650;line-height:1.35}
.body h3{font-size:1.1em;color:inherit}
.body :is(ul,ol){padding-inline-start:1.5em}
.body li+li,.body li>*+*{margin-block-start:4px}
.body .task{list-style:none;margin-inline-start:-1.3em}
.task>p{display:inline}
.box{margin-inline-end:.4em}
blockquote{border-inline-start:3px solid var(--line);padding-inline-start:12px}
hr{border:0;border-block-start:1px solid var(--line)}
.body a{font-weight:inherit}
.file a{color:inherit}
.host{font-size:.86em}
code{font:.88em/1.5 ui-monospace,monospace}
:not(pre)>code{background:var(--soft);padding:.12em .35em;border-radius:5px}
.code,.scroll{border:1px solid var(--line);border-radius:10px;overflow:hidden}
.code,th{background:var(--soft)}
.bar{display:flex;justify-content:space-between;align-items:center;padding:2px 12px;border-block-end:1px solid var(--line)}
.bar .done::after{content:" ✓"}
pre{overflow-x:auto;padding:10px 12px;text-align:start}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.93em}
th,td{padding:6px 11px;text-align:start;border-block-end:1px solid var(--line);min-width:5em}
tr:last-child td{border-block-end:0}
.center{text-align:center}.end{text-align:end}
@media(max-width:480px){
.root[data-open]{inset:0}
[data-open] .panel{inset:0;width:auto;height:100dvh;border:0;border-radius:0}
[data-open] .launcher{display:none}
textarea,input{font-size:16px}
}
@media(prefers-reduced-motion:reduce){*{animation:none!important;transition:none!important}}
@media(forced-colors:active){.launcher,.send,.msg .body{border:1px solid}}
`;
