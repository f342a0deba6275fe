import process from 'node:process'
import { endWith } from './exit-status.ts'
import { createProgram } from './program.ts'

/** Runs the command of this process's parameters, and ends the process where it fails. */
export async function main(): Promise<void> {
  // A report that Node writes of a crash names no variable: secrets come in them.
  if (process.report !== undefined) process.report.excludeEnv = true

  // Whoever reads the output may stop early, as head does.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit()
  })

  try {
    const program = await createProgram(process.argv.slice(2), process.env)
    await program.parseAsync()
  } catch (error) {
    const { status, message } = endWith(error)
    if (message !== undefined) process.stderr.write(`mooring: ${message}\n`)
    process.exit(status)
  }
}
