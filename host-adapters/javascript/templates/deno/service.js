// The API and the dashboard. Who may do what is said by the environment: see the README.
import { service } from "batchintory/service";

export default service({ inventory: "sqlite:lake.sqlite" });
