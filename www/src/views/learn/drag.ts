/**
 * Picking a place with a pointer, in a figure among text that scrolls.
 *
 * A mouse picks where it is pressed and as it is dragged. A finger may only want to scroll: it
 * picks where it is lifted, or drags once it has set out sideways (`touch-action: pan-y`).
 */
export function dragging(pick: (event: PointerEvent & { currentTarget: Element }) => void) {
  type Event = PointerEvent & { currentTarget: Element };
  const isHeld = ({ currentTarget, pointerId }: Event) =>
    currentTarget.hasPointerCapture(pointerId);
  return {
    onpointerdown(event: Event) {
      if (!event.isPrimary || event.button !== 0) return;
      event.currentTarget.setPointerCapture(event.pointerId);
      if (event.pointerType !== 'touch') pick(event);
    },
    onpointermove(event: Event) {
      if (isHeld(event)) pick(event);
    },
    onpointerup(event: Event) {
      if (isHeld(event)) pick(event);
    },
  };
}
