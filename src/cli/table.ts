import { styleText } from 'node:util'
import type { Row } from '../operator/admin/row.ts'
import { formatQuantity } from '../operator/declare/quantities.ts'

const narrowColumns = ['KIND', 'NAME', 'PLUGIN', 'STATE', 'EXTERNAL ID', 'SIZE', 'REASON'] as const

const colours = {
  Ready: 'green',
  Reconciling: 'yellow',
  Held: 'yellow',
  Stalled: 'red',
  Refused: 'red',
  Invalid: 'red',
} as const

export interface TableOptions {
  /** Columns of the terminal; longer lines are cut, so that redrawing never wraps. Default: nothing is cut. */
  readonly width?: number
  readonly isColoured?: boolean
  /** Every message in a column of its own, whole. */
  readonly isWide?: boolean
}

/** What suits where standard output goes: a terminal's width and colours, or all of it for a pipe. */
export function tableOptionsFor(terminal: NodeJS.WriteStream): TableOptions {
  return terminal.isTTY ? { width: terminal.columns, isColoured: terminal.hasColors() } : {}
}

/** Rows as a table, then the message of each row that is not as declared. */
export function formatTable(rows: readonly Row[], options: TableOptions = {}): string {
  const { isWide = false, isColoured = false } = options
  const width = isWide ? Number.POSITIVE_INFINITY : (options.width ?? Number.POSITIVE_INFINITY)
  const hasClusters = rows.some(({ cluster }) => cluster !== undefined)
  const columns = [...(hasClusters ? ['CLUSTER'] : []), ...narrowColumns, ...(isWide ? ['MESSAGE'] : [])]
  const declared = rows.filter(({ kind }) => kind !== 'File')
  const cells = [
    columns,
    ...declared.map((row) => [
      ...(hasClusters ? [row.cluster ?? ''] : []),
      ...cellsOf(row),
      ...(isWide ? [row.message] : []),
    ]),
  ]
  const widths = columns.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)))
  const lines = cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  const messages = rows
    .filter(({ kind, state, message }) => state !== 'Ready' && message !== '' && !(isWide && kind !== 'File'))
    .map(({ name, message }) => `${name}: ${message}`)
  return [
    ...lines.map((line, index) => paint(cut(line, width), declared[index - 1]?.state)),
    ...(messages.length === 0 ? [] : ['', ...messages.flatMap((message) => wrap(message, width))]),
  ].join('\n')

  function paint(line: string, state: Row['state'] | undefined): string {
    if (!isColoured || state === undefined || state === 'Ready') return line
    return styleText(colours[state], line, { validateStream: false })
  }
}

function cellsOf(row: Row): string[] {
  return [
    row.kind,
    row.name,
    row.pluginID,
    row.state,
    row.externalID,
    row.sizeBytes === undefined ? '' : formatQuantity(BigInt(row.sizeBytes)),
    row.reason,
  ]
}

function cut(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = `  ${word}`
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].map((each) => cut(each, width))
}
