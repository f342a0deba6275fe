/** The way from the root of a document: names of fields, and positions in lists from 0. */
export type FieldPath = readonly (string | number)[]

/** Something wrong with one field of a document. Whoever reads the file adds the place. */
export interface Fault {
  readonly path: FieldPath
  /** What is wrong, and what to do. It never contains the value of a secret. */
  readonly message: string
}

/** `spec.capabilities[0].accessMode`, `metadata.labels["example.org/tier"]`. */
export function formatFieldPath(path: FieldPath): string {
  return path
    .map((part, position) => {
      if (typeof part === 'number') return `[${part}]`
      if (!/^[\w-]{1,80}$/.test(part)) return `[${JSON.stringify(part.slice(0, 80))}]`
      return position === 0 ? part : `.${part}`
    })
    .join('')
}
