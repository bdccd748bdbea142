/** A picture of an SVG, as PNG: the browser draws it at twice its size. */

const SCALE = 2;

export async function toPng(svg: string): Promise<Uint8Array<ArrayBuffer>> {
  const image = new Image();
  image.src = `data:image/svg+xml,${encodeURIComponent(svg)}`;
  try {
    await image.decode();
  } catch {
    throw new Error('This browser cannot draw the picture. Take the SVG instead.');
  }
  const canvas = document.createElement('canvas');
  canvas.width = SCALE * image.naturalWidth;
  canvas.height = SCALE * image.naturalHeight;
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
  if (!blob) throw new Error('This browser cannot write the picture. Take the SVG instead.');
  return new Uint8Array(await blob.arrayBuffer());
}
