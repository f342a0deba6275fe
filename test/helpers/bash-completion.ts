import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { runMooring } from './run-mooring.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/**
 * A bash that completes by the script of `mooring completion bash`.
 * @param command what `mooring` runs there; default: this checkout
 */
export async function bashCompletion(
  command = `'${process.execPath}' '${main}' "$@"`,
): Promise<(line: string) => string[]> {
  const { stdout: script } = await runMooring(['completion', 'bash'])
  return (line) => {
    const ask = `COMP_LINE="$1" COMP_POINT="$2"; _mooring; for each in "\${COMPREPLY[@]}"; do echo "$each"; done`
    const commands = `set -u\nmooring() { ${command}; }\n${script}\n${ask}`
    const parameters = ['-c', commands, 'bash', line, String(line.length)]
    const stdout = execFileSync('bash', parameters, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    return stdout.split('\n').filter((word) => word !== '')
  }
}
