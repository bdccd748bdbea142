/** SHA-256 in hexadecimal, on any page. */

/** Computes a SHA-256 in hexadecimal where the browser itself does not: on an insecure page. */
export type Digest = (bytes: Uint8Array) => string;

export async function digestOf(bytes: Uint8Array<ArrayBuffer>, otherwise: Digest): Promise<string> {
  // Not there on a page that did not come by HTTPS, whatever its type says.
  const subtle = crypto.subtle as SubtleCrypto | undefined;
  if (!subtle) return otherwise(bytes);
  const digest = new Uint8Array(await subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
