/** Closes the thing with the others, and gives it back. */
export type Adopt = <Thing extends { close(): unknown }>(thing: Thing) => Thing

/**
 * Opens several things, one after the other. If one fails, those before it are closed again, the last one first, and
 * the failure is thrown as it is. `close` of the result closes them in the same order; a second call does nothing.
 * @param open hands each thing over to `adopt` as soon as it is open
 */
export async function openTogether<Result extends object>(
  open: (adopt: Adopt) => Promise<Result>,
): Promise<Result & { close(): Promise<void> }> {
  const opened = new AsyncDisposableStack()
  try {
    const result = await open((thing) => opened.adopt(thing, async (each) => void (await each.close())))
    return { ...result, close: () => opened.disposeAsync() }
  } catch (error) {
    // What cannot be closed says less than why it has to be.
    await opened.disposeAsync().catch(() => {})
    throw error
  }
}
