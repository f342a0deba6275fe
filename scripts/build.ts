import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs'

// Under node_modules Node strips no types, so what is published is JavaScript.
rmSync('dist', { recursive: true, force: true })
execFileSync('tsc', ['--project', 'tsconfig.build.json'], { stdio: 'inherit' })

// The page in the browser, beside the code that serves it.
const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>
}
if (scripts['dashboard:build'] !== undefined) {
  execFileSync('npm', ['run', '-s', 'dashboard:build'], { stdio: 'inherit' })
  if (!existsSync('dashboard/dist/index.html'))
    throw new Error('dashboard:build made no dashboard/dist/index.html')
  cpSync('dashboard/dist', 'dist/dashboard', { recursive: true })
}
