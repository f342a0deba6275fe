import { systemClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import type { Declaration, Problem } from './declare/declaration.ts'
import type { Variables } from './declare/variables.ts'
import { planOwnership } from './desired/ownership.ts'
import { defaultRegion } from './operator-directory.ts'
import { createFileSource } from './sources/files.ts'
import { createParse } from './sources/open-sources.ts'
import type { ParseFile } from './sources/source.ts'

/** What declarations come to that are read offline. */
export interface Validation {
  readonly declarations: number
  /** How many documents belong to other tools. */
  readonly skipped: number
  readonly problems: readonly Problem[]
  /** What stands there and has no effect. It makes nothing invalid. */
  readonly warnings: readonly Problem[]
}

type Reading = Omit<Validation, 'declarations'> & { readonly declarations: readonly Declaration[] }

/**
 * Reads declarations as the operator would, and asks nobody.
 * @param paths folders or files; `-` stands for `standardInput`
 */
export async function validateDeclarations(
  paths: readonly string[],
  variables: Variables,
  standardInput: () => Promise<string>,
): Promise<Validation> {
  const parse = createParse(variables)
  const readings: Reading[] = []
  for (const path of paths) {
    if (path !== '-') readings.push(await readFiles(path, parse))
    else {
      const { others, ...parsed } = parse(await standardInput(), { source: '<stdin>', file: '' })
      readings.push({ ...parsed, skipped: others.length })
    }
  }
  const declarations = readings.flatMap((reading) => reading.declarations)
  return {
    declarations: declarations.length,
    skipped: readings.reduce((sum, reading) => sum + reading.skipped, 0),
    problems: [...readings.flatMap(({ problems }) => problems), ...findClashes(declarations)],
    warnings: readings.flatMap(({ warnings }) => warnings),
  }
}

async function readFiles(path: string, parse: ParseFile): Promise<Reading> {
  const source = createFileSource({ path, clock: systemClock, log: silentLog, parse })
  try {
    return await source.read()
  } finally {
    await source.close()
  }
}

/** Declarations that are each right, and of which two have one identity, name or external volume. */
function findClashes(declarations: readonly Declaration[]): Problem[] {
  // The region is a part of chosen names. Any one serves, as it is the same for all of them.
  return planOwnership(declarations, new Map(), defaultRegion).refusals.map(({ declaration, message }) => ({
    place: declaration.place,
    field: '',
    message,
  }))
}
