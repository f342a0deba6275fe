import { isDeepStrictEqual } from 'node:util'
import type { Declaration } from '../declare/declaration.ts'

/** Ignores the commit: a push that does not change a declaration makes no work. */
export function isSameDeclaration(one: Declaration | undefined, other: Declaration | undefined): boolean {
  if (one === undefined || other === undefined || one === other) return one === other
  const { commit: oneCommit, ...onePlace } = one.place
  const { commit: otherCommit, ...otherPlace } = other.place
  return isDeepStrictEqual({ ...one, place: onePlace }, { ...other, place: otherPlace })
}
