/** Lets the visitor save bytes as a file. */

/** Some browsers begin to read the file only later. */
const KEPT_MS = 60_000;

export function saveFile(bytes: Uint8Array<ArrayBuffer>, name: string) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
}

/** The name of the file of a network that is called so. */
export function modelFileName(name: string): string {
  const plain = name.replace(/[^\p{L}\p{N}.=-]+/gu, '-').replace(/^[-.]+|[-.]+$/g, '');
  return `${plain || 'network'}.safetensors`;
}
