import type Type from 'typebox'
import { Check } from 'typebox/value'
import { closest, findErrors, parsePointer, schemaAt, valueAt } from './explain-faults.ts'
import type { Fault, FieldPath } from './fault.ts'

/** One round may uncover the next fault, such as a field that is required where its value was taken out. */
const mostRounds = 5

/**
 * Finds what is wrong with a document beyond its shape, although its shape is wrong too, so that a person corrects all of it at
 * once. What the schema refuses is left out, a misspelt field gets its right name, and what is missing comes from `sample`.
 * @param faults what the schema refuses
 * @param findMore what the rules refuse about a value of the right shape
 * @returns all faults; only those of the shape where no value of the right shape is near
 */
export function withFaultsOfRules<Schema extends Type.TSchema>(
  schema: Schema,
  value: unknown,
  sample: unknown,
  faults: readonly Fault[],
  findMore: (value: Type.Static<Schema>) => readonly Fault[],
): Fault[] {
  const mended = structuredClone(value)
  for (let round = 0; round < mostRounds; round += 1) {
    if (Check(schema, mended)) {
      const isKnown = ({ path }: Fault) => faults.some((each) => isWithin(path, each.path))
      return [...faults, ...findMore(mended).filter((fault) => !isKnown(fault))]
    }
    for (const error of findErrors(schema, mended)) {
      const path = parsePointer(error.instancePath, mended)
      if (error.keyword === 'required')
        for (const name of error.params.requiredProperties)
          put(mended, [...path, name], valueAt(sample, [...path, name]))
      else if (error.keyword === 'additionalProperties')
        for (const name of error.params.additionalProperties) {
          const meant = closest(name, Object.keys(schemaAt(schema, path).properties ?? {}))
          const misspelt = valueAt(mended, [...path, name])
          remove(mended, [...path, name])
          if (meant !== undefined && valueAt(mended, [...path, meant]) === undefined)
            put(mended, [...path, meant], misspelt)
        }
      // The false schema of an unknown field, which additionalProperties reports as well.
      else if (error.keyword !== 'boolean') remove(mended, path)
    }
  }
  return [...faults]
}

function isWithin(path: FieldPath, of: FieldPath): boolean {
  return of.length > 0 && of.every((part, index) => path[index] === part)
}

function put(root: unknown, path: FieldPath, value: unknown): void {
  const holder = valueAt(root, path.slice(0, -1))
  if (typeof holder === 'object' && holder !== null && value !== undefined)
    Reflect.set(holder, path.at(-1) ?? '', structuredClone(value))
}

function remove(root: unknown, path: FieldPath): void {
  const holder = valueAt(root, path.slice(0, -1))
  const last = path.at(-1)
  if (last === undefined || typeof holder !== 'object' || holder === null) return
  if (Array.isArray(holder)) holder.splice(Number(last), 1)
  else Reflect.deleteProperty(holder, last)
}
