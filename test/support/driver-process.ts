import { driverCommand } from '../../src/cli/driver.ts'

// A test that fails leaves it running. Its end of the pipe ends with the test's process.
process.stdin.resume().once('close', () => process.exit(1))
process.stdin.unref()

await driverCommand().parseAsync(process.argv)
