import { declared } from './declared.ts'
import { differences } from './differences.ts'
import { blockedEnds, heldEnds } from './ends.ts'
import type { Explanation, Explanations } from './explanation.ts'
import { kubernetes } from './kubernetes.ts'
import { outside } from './outside.ts'
import { asDeclared, released, steps } from './progress.ts'
import { refusals } from './refusals.ts'
import { waits } from './waits.ts'

const stalling = { ...declared, ...differences, ...blockedEnds, ...refusals } satisfies Explanations

/**
 * Every reason of every condition, and what there is to know of it. A reason that stands here is one that code may give:
 * the type of a condition's reason is made from these names. Messages, `mooring explain` and docs/troubleshooting.md all
 * take their remedies from here.
 */
export const reasons = {
  ...stalling,
  ...heldEnds,
  ...waits,
  ...outside,
  ...kubernetes,
  ...asDeclared,
  ...steps,
  ...released,
} satisfies Explanations

/** A CamelCase word for conditions, events and metrics: `PluginUnavailable`. */
export type Reason = keyof typeof reasons

/** A reason for which something is Stalled, so that only a person can go on. */
export type StallReason = keyof typeof stalling

export const stallReasons = Object.keys(stalling) as StallReason[] // The names of an object of our own.

/** The reason for a condition Stalled, of an error for good. */
export function stallReasonOf(reason: string): StallReason {
  return stallReasons.find((each) => each === reason) ?? 'Refused'
}

/** The reason for which something waits for something else; undefined for any other, and for what is only new. */
export function waitReasonOf(reason: string): Reason | undefined {
  const isWait = Object.hasOwn(waits, reason) || Object.hasOwn(outside, reason)
  return isWait && reason !== 'New' ? (reason as Reason) : undefined // It is a name of one of the two.
}

export interface ReasonGroup {
  readonly title: string
  readonly reasons: Explanations
}

/** The same in the groups by which people look for one. */
export const reasonGroups: readonly ReasonGroup[] = [
  { title: 'The declaration cannot be followed', reasons: declared },
  { title: 'The volume or the snapshot differs from its declaration', reasons: differences },
  { title: 'An end needs a person', reasons: blockedEnds },
  { title: 'Nomad or the plugin refuses', reasons: refusals },
  { title: 'The declaration was removed, and nothing ends yet', reasons: heldEnds },
  { title: 'Something else has to happen first', reasons: waits },
  { title: 'Nomad, the plugin or the inventory fails for the moment', reasons: outside },
  { title: 'The API server of Kubernetes', reasons: kubernetes },
  { title: 'A step is under way', reasons: steps },
  { title: 'All is well', reasons: asDeclared },
  { title: 'Mooring no longer manages it', reasons: released },
]

/** The explanation of a reason, as a condition has it; undefined for a word that is none. */
export function explanationOf(reason: string): Explanation | undefined {
  return Object.hasOwn(reasons, reason) ? reasons[reason as Reason] : undefined
}
