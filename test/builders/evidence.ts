import type { Declaration } from '../../src/operator/declare/declaration.ts'
import type { Reading } from '../../src/operator/desired/absence.ts'
import type { Doubt, Evidence, FileEvidence } from '../../src/operator/desired/evidence.ts'

/** The folder of every declaration that tests build, as its record remembers it. */
export const folder = '1 /declarations'

/** What a reading proves of a folder that it listed whole, with these declarations in it and nothing else. */
export function evidence(
  declarations: readonly Declaration[] = [],
  fields: Partial<Evidence> = {},
): Evidence {
  const files = new Map<string, FileEvidence>()
  for (const [file, inFile] of Map.groupBy(declarations, ({ place }) => place.file)) {
    files.set(file, { documents: inFile.length, others: [], folder })
  }
  return {
    monotonicMs: 0,
    files,
    doubts: [],
    listing: {
      type: 'folders',
      folders: new Map([['', { device: '1', realPath: '/declarations', isEmpty: false }]]),
      passed: new Set(),
    },
    ...fields,
  }
}

/** A reading of one folder, both of whose clocks show `atMs`. */
export function reading(
  declarations: readonly Declaration[],
  atMs: number,
  fields: Partial<Reading> = {},
  source = 'declarations',
): Reading {
  return {
    atMs,
    monotonicMs: atMs,
    count: declarations.length,
    sources: new Map([[source, evidence(declarations, { monotonicMs: atMs })]]),
    ...fields,
  }
}

/** A doubt about a file or folder; empty for the whole source. */
export function doubt(file: string, words?: readonly string[], source = 'declarations'): Doubt {
  return {
    file,
    problem: { place: { source, file, document: 0, line: 3, column: 1 }, field: '', message: 'is broken' },
    ...(words === undefined ? {} : { words: new Set(words) }),
  }
}
