import { load } from 'js-yaml'

/** One value of a chart, as its table shows it. */
export interface DocumentedValue {
  /** Such as `image.repository`. */
  readonly path: string
  readonly description: string
  readonly default: unknown
}

/**
 * The values of a chart that a comment beginning with `# --` stands above, in the order of the file. Keys are
 * indented by two spaces a level.
 * @throws Error that names a value without such a comment
 */
export function readDocumentedValues(text: string): DocumentedValue[] {
  const values: unknown = load(text)
  const documented: DocumentedValue[] = []
  const parents: string[] = []
  let description: string | undefined
  let documentedDepth = Number.POSITIVE_INFINITY
  for (const line of text.split('\n')) {
    const comment = /^ *# -- (.*)$/.exec(line)
    const key = /^(?<indent> *)(?<name>[A-Za-z]\w*):(?<rest>.*)$/.exec(line)
    if (comment !== null) description = comment[1]
    if (key?.groups === undefined) continue
    const { indent = '', name = '', rest = '' } = key.groups
    const depth = indent.length / 2
    // What a documented value holds by default is a part of it.
    if (depth > documentedDepth) continue
    documentedDepth = Number.POSITIVE_INFINITY
    parents.splice(depth)
    const path = [...parents, name]
    parents.push(name)
    if (description !== undefined) {
      documented.push({ path: path.join('.'), description, default: valueAt(values, path) })
      documentedDepth = depth
      description = undefined
    } else if (rest.trim() !== '') {
      throw new Error(`the value ${path.join('.')} has no comment "# -- …"`)
    }
  }
  return documented
}

function valueAt(values: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => Reflect.get(Object(value), name), values)
}

/** The values as a table of Markdown. */
export function renderValuesTable(values: readonly DocumentedValue[]): string {
  const rows = values.map(
    ({ path, description, default: value }) =>
      `| \`${path}\` | ${description.replaceAll('|', '\\|')} | \`${JSON.stringify(value)}\` |`,
  )
  return ['| value | | default |', '|---|---|---|', ...rows].join('\n')
}
