import { driverCommand } from '../../src/cli/driver.ts'

await driverCommand().parseAsync(process.argv)
