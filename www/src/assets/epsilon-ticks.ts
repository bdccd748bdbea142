/** ε, an exact decimal of full scale, in ticks of 1/`scale` level: rounded up, as everywhere. */
export function epsilonTicks(epsilon: string, scale: number): number {
  const [whole = '', decimals = ''] = epsilon.split('.');
  const unit = 10n ** BigInt(decimals.length);
  return Number((BigInt(whole + decimals) * 255n * BigInt(scale) + unit - 1n) / unit);
}
