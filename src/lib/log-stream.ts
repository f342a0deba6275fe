import { styleText } from 'node:util'
import pino from 'pino'

/** A disk that is full, or a reader that is gone, costs the lines that cannot be written, and never the process. */
export function standardError(): pino.DestinationStream {
  const destination = pino.destination({ fd: 2, sync: true })
  // Nobody can be told: this is where it would be told.
  destination.on('error', () => {})
  return destination
}

const colours = {
  fatal: 'red',
  error: 'red',
  warn: 'yellow',
  info: 'green',
  debug: 'gray',
  trace: 'gray',
} as const

/** Turns lines of JSON into lines for a person, such as `09:30:12 INFO  status key=Volume/default/data`. */
export function textLines(stream: pino.DestinationStream, isColoured: boolean): pino.DestinationStream {
  return { write: (line) => stream.write(formatLogLine(line, isColoured)) }
}

/** @param line one JSON object, as pino writes it; anything else is left as it is */
export function formatLogLine(line: string, isColoured: boolean): string {
  const fields = parseLine(line)
  if (fields === undefined) return line
  const { level = '', time, msg = '', ...others } = fields
  const label = `${level}`.toUpperCase().padEnd(5)
  const colour = colours[`${level}` as keyof typeof colours]
  const words = [
    `${time}`.slice(11, 19),
    isColoured && colour !== undefined ? styleText(colour, label, { validateStream: false }) : label,
    `${msg}`,
    ...Object.entries(others).map(([key, value]) => `${key}=${formatValue(value)}`),
  ]
  return `${words.join(' ')}\n`
}

function parseLine(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line)
  } catch {
    // Not of pino, then. It is shown as it came.
    return undefined
  }
}

function formatValue(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value)
  return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)
}
