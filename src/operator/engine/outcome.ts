/**
 * What one pass over a key ended in.
 * - `done`: nothing to do until something changes;
 * - `again`: look again after `afterMs` (0: at once, because the pass changed something);
 * - `failed`: look again after the key's backoff, which grows with each failure in a row.
 */
export type Outcome =
  | { readonly type: 'done' }
  | { readonly type: 'again'; readonly afterMs: number }
  | { readonly type: 'failed'; readonly error: Error }
