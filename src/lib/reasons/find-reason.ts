import { closestMatch } from 'leven'
import { type Reason, reasons } from './reasons.ts'

const all = Object.keys(reasons) as Reason[] // The names of an object of our own.

/** The reason of that name, whatever its case; undefined: there is none. */
export function findReason(word: string): Reason | undefined {
  return all.find((reason) => reason.toLowerCase() === word.toLowerCase())
}

/** The reason that is meant by a misspelled word; undefined if none is near. */
export function guessReason(word: string): Reason | undefined {
  const lower = new Map(all.map((reason) => [reason.toLowerCase(), reason]))
  const near = closestMatch(word.toLowerCase(), [...lower.keys()], {
    maxDistance: Math.max(1, Math.floor(word.length / 3)),
  })
  return near === undefined ? undefined : lower.get(near)
}
