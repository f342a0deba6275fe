import { styleText } from 'node:util'
import type { Row } from '../operator/admin/row.ts'
import { formatQuantity } from '../operator/declare/quantities.ts'
import { widthOf, wrapText } from './wrap.ts'

interface Column {
  readonly title: string
  readonly cell: (row: Row) => string | undefined
  /** The rows that it is shown for. Without this: any. */
  readonly isShownFor?: (rows: readonly Row[], isWide: boolean) => boolean
}

const hasSnapshots = (rows: readonly Row[], isWide: boolean) =>
  rows.length > 0 && (isWide ? rows.some(isSnapshot) : rows.every(isSnapshot))
const isSnapshot = ({ kind }: Row) => kind === 'Snapshot'

const columns: readonly Column[] = [
  {
    title: 'CLUSTER',
    cell: ({ cluster }) => cluster,
    isShownFor: (rows) => rows.some(({ cluster }) => cluster !== undefined),
  },
  { title: 'KIND', cell: ({ kind }) => kind },
  { title: 'NAME', cell: ({ name }) => name },
  { title: 'PLUGIN', cell: ({ pluginID }) => pluginID },
  { title: 'STATE', cell: ({ state }) => state },
  { title: 'REASON', cell: ({ reason }) => reason },
  { title: 'EXTERNAL ID', cell: ({ externalID }) => externalID },
  {
    title: 'SIZE',
    cell: ({ sizeBytes }) => (sizeBytes === undefined ? '' : formatQuantity(BigInt(sizeBytes))),
  },
  { title: 'VOLUME', cell: ({ volume }) => volume, isShownFor: hasSnapshots },
  { title: 'TAKEN', cell: ({ createTime }) => createTime, isShownFor: hasSnapshots },
  { title: 'MESSAGE', cell: ({ message }) => message, isShownFor: (_rows, isWide) => isWide },
]

const colours = {
  Ready: 'green',
  Reconciling: 'yellow',
  Held: 'yellow',
  Stalled: 'red',
  Refused: 'red',
  Invalid: 'red',
} as const

export interface TableOptions {
  /** Width of the terminal in characters. Longer lines are cut, so that redrawing never wraps. Default: nothing is cut. */
  readonly width?: number
  readonly isColoured?: boolean
  /** Shows every message whole, in a column of its own. */
  readonly isWide?: boolean
}

/** The width and the colours of a terminal. A pipe gets everything, without colours. */
export function tableOptionsFor(terminal: NodeJS.WriteStream): TableOptions {
  return terminal.isTTY ? { width: widthOf(terminal), isColoured: terminal.hasColors() } : {}
}

/** Rows as a table, then the message of each row that is not Ready. */
export function formatTable(rows: readonly Row[], options: TableOptions = {}): string {
  const { isWide = false, isColoured = false } = options
  const width = isWide ? Number.POSITIVE_INFINITY : (options.width ?? Number.POSITIVE_INFINITY)
  const declared = rows.filter(({ kind }) => kind !== 'File')
  const shown = columns.filter(({ isShownFor }) => isShownFor?.(declared, isWide) ?? true)
  const cells = [
    shown.map(({ title }) => title),
    ...declared.map((row) => shown.map(({ cell }) => cell(row) ?? '')),
  ]
  const widths = shown.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)))
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
    ...(messages.length === 0
      ? []
      : [
          '',
          ...messages.flatMap((message) =>
            wrapText(message, width, '', '  ').map((line) => cut(line, width)),
          ),
        ]),
  ].join('\n')

  function paint(line: string, state: Row['state'] | undefined): string {
    if (!isColoured || state === undefined || state === 'Ready') return line
    return styleText(colours[state], line, { validateStream: false })
  }
}

function cut(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`
}
