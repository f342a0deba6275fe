import process from 'node:process'
import { Option } from 'commander'
import { createLog, type Log, type LogLevel, logLevels } from '../lib/log.ts'
import { standardError, textLines } from '../lib/log-stream.ts'

export interface LogFlags {
  readonly logLevel: LogLevel
  readonly logFormat: 'auto' | 'text' | 'json'
}

/** Options of every command that goes on running and logs to standard error. */
export const logOptions = () => [
  new Option('--log-level <level>', 'lowest level that is logged')
    .choices(logLevels)
    .default('info')
    .env('MOORING_LOG_LEVEL'),
  new Option('--log-format <format>', 'how log lines look: text on a terminal, JSON elsewhere, or always one')
    .choices(['auto', 'text', 'json'])
    .default('auto')
    .env('MOORING_LOG_FORMAT'),
]

/** Whether a person reads the log. */
export function logsText({ logFormat }: LogFlags): boolean {
  return logFormat === 'text' || (logFormat === 'auto' && process.stderr.isTTY)
}

/** The log of a command, at standard error. */
export function openLog(flags: LogFlags): Log {
  if (!logsText(flags)) return createLog(flags.logLevel, standardError())
  const isColoured = process.stderr.isTTY && process.stderr.hasColors()
  return createLog(flags.logLevel, textLines(standardError(), isColoured))
}
