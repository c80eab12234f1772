// A planner's thread in Node.

import { serve } from "../planner/serve.js";
import { parent } from "./thread.js";

serve(parent());
