/**
 * What would be lost if the page were loaded anew. Stores that hold such things say so here, so that
 * whoever would reload the page need not load the stores.
 */
const holders = new Set<() => boolean>();

/** `holds` says whether there is something at the moment. */
export const losesIf = (holds: () => boolean) => void holders.add(holds);

/** Whether a reload would lose something now. */
export const wouldLoseAny = () => [...holders].some((holds) => holds());
