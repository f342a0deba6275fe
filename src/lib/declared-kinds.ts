/**
 * The kinds of declarations, in the order in which people read of them. Whoever lists kinds takes them from here. What a
 * kind is has its places in the rooms of the operator: a schema, a plan and steps.
 */
export const declaredKinds = {
  Volume: { word: 'volume', plural: 'volumes', shortForms: ['vol'] },
  Snapshot: { word: 'snapshot', plural: 'snapshots', shortForms: ['snap'] },
  SnapshotSchedule: { word: 'schedule', plural: 'snapshotschedules', shortForms: ['schedules'] },
  HostVolume: { word: 'hostvolume', plural: 'hostvolumes', shortForms: ['host-volume', 'hostvol'] },
} as const satisfies Readonly<Record<string, KindNames>>

interface KindNames {
  /** By which commands and their help call it. */
  readonly word: string
  /** Of the objects in Kubernetes. */
  readonly plural: string
  /** What else commands take. */
  readonly shortForms: readonly string[]
}

export type DeclaredKind = keyof typeof declaredKinds

export const kindNames = Object.keys(declaredKinds) as readonly DeclaredKind[] // As the table has them.

export const kindWords = kindNames.map((kind) => declaredKinds[kind].word)

/** A part of a regular expression that matches the name of any kind. */
export const anyKindPattern = `(?:${kindNames.join('|')})`

export function isDeclaredKind(kind: string): kind is DeclaredKind {
  return Object.hasOwn(declaredKinds, kind)
}

/** `volume, snapshot or schedule`. */
export function listOr(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}
