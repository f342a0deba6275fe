/** What declares in a history. */
export const sources = ['files', 'kubernetes'] as const
export type Source = (typeof sources)[number]
