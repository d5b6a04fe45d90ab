import { describeReadmePrograms } from '@coatcheck/harness/readme-programs'

describeReadmePrograms(new URL('../', import.meta.url), 1)
