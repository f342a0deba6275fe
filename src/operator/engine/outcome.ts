/**
 * How a pass ended, and when the next one starts:
 * - `done`: when something changes;
 * - `again`: after `afterMs` (0: at once, because this pass changed something);
 * - `failed`: after the key's backoff, which grows with each consecutive failure.
 */
export type Outcome =
  | { readonly type: 'done' }
  | { readonly type: 'again'; readonly afterMs: number }
  | { readonly type: 'failed'; readonly error: Error }
