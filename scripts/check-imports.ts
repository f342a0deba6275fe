import process from 'node:process'
import { checkImports } from './lib/import-directions.ts'

/** Part of `npm run lint`: imports run downward, and never in a circle. */
const { files, faults } = checkImports(process.cwd())
for (const fault of faults) console.error(fault)
if (files === 0) console.error('no file was read: run this in the repository')
process.exitCode = faults.length > 0 || files === 0 ? 1 : 0
