/** What the page needs from the browser, asked before anything is loaded. */

/** A module of one function that uses one 128-bit vector: valid only where SIMD is known. */
const SIMD_MODULE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15,
  253, 98, 11,
]);

/** What this browser lacks, in words; empty where the page can run. */
export function missingFeatures(): string[] {
  const missing: string[] = [];
  if (typeof WebAssembly !== 'object') missing.push('WebAssembly');
  else if (!WebAssembly.validate(SIMD_MODULE)) missing.push('WebAssembly’s vector instructions');
  if (typeof DecompressionStream !== 'function') missing.push('DecompressionStream');
  return missing;
}
