/**
 * The state of a plugin:
 *
 *   unprobed ──probe──▶ ready ◀──▶ not-ready
 *      ▲                  │            │
 *      └─ connected ── gone ◀─ lost ───┘   (a call that cannot connect leads to gone from anywhere)
 *
 * A plugin that comes back is unprobed: it may be another release with other capabilities.
 */
export type PluginState =
  | { readonly type: 'unprobed' }
  | { readonly type: 'ready' }
  /** It says that it is still starting, or answers a probe with an error. */
  | { readonly type: 'not-ready'; readonly reason: string }
  /** Nothing answers at its endpoint. */
  | { readonly type: 'gone'; readonly reason: string }

/** The current state, which can be watched. */
export interface StateCell {
  get(): PluginState
  /** Calls the listeners if the state has changed. */
  set(state: PluginState): void
  /** Calls the listener with each change from now on. Returns the function that ends it. */
  watch(listener: (state: PluginState) => void): () => void
}

export function createStateCell(): StateCell {
  let current: PluginState = { type: 'unprobed' }
  const listeners = new Set<(state: PluginState) => void>()
  return {
    get: () => current,
    set(state) {
      if (JSON.stringify(state) === JSON.stringify(current)) return
      current = state
      for (const listener of [...listeners]) listener(state)
    },
    watch(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
