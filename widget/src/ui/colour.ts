// Which ink is readable on a site's colour.

/** `#fff` or near black, whichever contrasts more with `colour` (#rgb or #rrggbb); nothing for what it cannot read. */
export function inkOn(colour: string): string | undefined {
  const short = /^#([\da-f])([\da-f])([\da-f])$/i.exec(colour);
  const hex = short ? `#${short.slice(1).map((digit) => digit + digit).join("")}` : colour;
  if (!/^#[\da-f]{6}$/i.test(hex)) return undefined;
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return luminance > 0.18 ? "#0d1330" : "#fff";
}
