/** The Worker in which a baseline network is attacked. */
import { openBaselineEngine } from '../wasm/baseline-engine.ts';
import { serve } from './attack-loop.ts';

serve(openBaselineEngine);
