/**
 * Bytes as text that a link can carry.
 *
 * Packed bytes are in zlib's format: its checksum tells a damaged link from a whole one.
 */

/** More bytes than any link of this page unpacks to: a link must not fill the memory. */
const MOST_BYTES = 1 << 16;

/** Bytes in the characters that an address leaves as they are. */
export function toText(bytes: Uint8Array): string {
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** The bytes that `toText` wrote, or `null` if it did not write this. */
export function fromText(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}

/** Bytes in few characters. */
export async function pack(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream('deflate'));
  return toText(new Uint8Array(await new Response(packed).arrayBuffer()));
}

/** The bytes that `pack` packed, or `null` if the text is damaged. */
export async function unpack(text: string): Promise<Uint8Array<ArrayBuffer> | null> {
  const bytes = fromText(text);
  if (!bytes) return null;
  const reader = new Blob([bytes])
    .stream()
    .pipeThrough(new DecompressionStream('deflate'))
    .getReader();
  const unpacked = new Uint8Array(MOST_BYTES);
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return unpacked.slice(0, length);
      if (length + value.length > MOST_BYTES) {
        await reader.cancel();
        return null;
      }
      unpacked.set(value, length);
      length += value.length;
    }
  } catch {
    return null;
  }
}
