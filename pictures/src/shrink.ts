/** A picture in 256 colours: a fraction of its size, and hardly another picture. */

import UPNG from 'upng-js';

const COLOURS = 256;

/** Takes and gives a PNG as a data URL. */
export async function shrink(picture: string): Promise<string> {
  const image = UPNG.decode(await (await fetch(picture)).arrayBuffer());
  const small = UPNG.encode(UPNG.toRGBA8(image), image.width, image.height, COLOURS);
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.readAsDataURL(new Blob([small]));
  });
}
