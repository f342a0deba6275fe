import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'

// Under node_modules Node strips no types, so what is published is JavaScript.
rmSync('dist', { recursive: true, force: true })
execFileSync('tsc', ['--project', 'tsconfig.build.json'], { stdio: 'inherit' })
