import { type ExecFileException, execFile } from 'node:child_process'

/** A system tool that ended with an error; the message holds what it wrote to standard error. */
export class ToolError extends Error {
  override readonly name = 'ToolError'
}

/** Of a tool that said nothing itself. Its command line would be no help to a reader. */
function describeEnd({ code, signal, message }: ExecFileException): string {
  if (signal) return `it was ended by ${signal}`
  return typeof code === 'number' ? `it ended with code ${code}` : message.trim()
}

/** Runs a system tool to its end and gives its standard output. No shell is involved. */
export function runTool(file: string, args: readonly string[], signal?: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      file,
      args,
      { env: { ...process.env, LC_ALL: 'C' }, maxBuffer: 16 * 2 ** 20, ...(signal && { signal }) },
      (error, stdout, stderr) => {
        if (!error) return resolve(stdout)
        const said = stderr.trim().split('\n').slice(0, 5).join('; ')
        reject(new ToolError(`${file}: ${said === '' ? describeEnd(error) : said}`, { cause: error }))
      },
    )
  })
}
