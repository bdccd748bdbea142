/** The Worker of the ℓ∞-dist net. */
import init, { Attacker, Certifier } from '../../../pkg/certify/certify.js';
import { serve } from './attack-loop.ts';

serve(async ({ model }) => {
  await init();
  const [certifier, attacker] = [new Certifier(model), new Attacker(model)];
  return {
    inspect(image, epsilonLevels) {
      const { label, logits, intervalRadiusLevels, lipschitzRadiusLevels } =
        certifier.certify(image);
      const { lower, upper, certified } = certifier.bounds(image, epsilonLevels);
      return {
        label,
        logits,
        radiusLevels: intervalRadiusLevels,
        marginRadiusLevels: lipschitzRadiusLevels,
        lower,
        upper,
        certified,
      };
    },
    paint: (image, painted, epsilonLevels) =>
      attacker.paint(image, Float32Array.from(painted), epsilonLevels, 'levels'),
    start: ({ image, attack, epsilonLevels, seed }) =>
      attacker.start(image, { attack, epsilonLevels, grid: 'levels', seed }),
    advance: (tries) => attacker.advance(tries),
  };
});
